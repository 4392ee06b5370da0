export { CertificateFiles } from './certificate-files.ts';
export type { Certificates } from './certificates.ts';
export {
  GRPC_TLS_SETTINGS,
  grpcCertificates,
  HTTP_TLS_SETTINGS,
  httpCertificates,
  POD_TLS_SETTINGS,
  podCertificates,
} from './settings.ts';
