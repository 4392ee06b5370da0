import type { CertificateFiles, Certificates } from '@eidetic/tls';
import { type ChannelCredentials, credentials, experimental, ServerCredentials } from '@grpc/grpc-js';

/** How a client knows the server that it wants, and what it shows it. */
export interface ChannelTls {
  /** With the authorities that servers are believed by; with an identity, that is shown to them. */
  readonly certificates: CertificateFiles;
  /** Name that the server's certificate must be for; absent: the address that is called. */
  readonly serverName?: string;
}

type Provider = experimental.CertificateProvider;

/** Certificates as grpc-js listens to them: at once, and when they change. */
const providerOf = (files: CertificateFiles): Provider => {
  const leaving = new Map<unknown, () => void>();
  const add = <T>(listener: (update: T | null) => void, updateOf: (certificates: Certificates) => T | null): void => {
    const tell = (certificates: Certificates): void => listener(updateOf(certificates));
    leaving.set(listener, files.listen(tell));
    process.nextTick(tell, files.current);
  };
  const remove = (listener: unknown): void => {
    leaving.get(listener)?.();
    leaving.delete(listener);
  };
  return {
    addCaCertificateListener: (listener) => add(listener, ({ ca }) => (ca ? { caCertificate: ca } : null)),
    removeCaCertificateListener: remove,
    addIdentityCertificateListener: (listener) =>
      add(listener, ({ identity }) => (identity ? { certificate: identity.cert, privateKey: identity.key } : null)),
    removeIdentityCertificateListener: remove,
  };
};

/** What a server shows, and with authorities asks for. */
export const serverCredentials = (files: CertificateFiles | undefined): ServerCredentials => {
  if (files === undefined) return ServerCredentials.createInsecure();
  const provider = providerOf(files);
  const asksClients = files.current.ca !== undefined;
  // Its declaration has the names of the first two parameters the wrong way round: the identity comes first.
  return experimental.createCertificateProviderServerCredentials(provider, asksClients ? provider : null, asksClients);
};

/** What a client shows, and whom it believes. */
export const channelCredentials = (tls: ChannelTls | undefined): ChannelCredentials => {
  if (tls === undefined) return credentials.createInsecure();
  const provider = providerOf(tls.certificates);
  const shown = tls.certificates.current.identity === undefined ? null : provider;
  return experimental.createCertificateProviderChannelCredentials(provider, shown);
};
