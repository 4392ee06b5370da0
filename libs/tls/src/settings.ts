import { type Config, type ConfigDefinition, optional, text } from '@eidetic/config';
import { EideticError } from '@eidetic/core';
import { CertificateFiles, type CertificateFilesOptions } from './certificate-files.ts';

const file = optional(text());

/** Certificate and key of a server. `area` is a part of their names, `what` is encrypted, in a sentence. */
const identitySettings = (area: string, what: string) =>
  ({
    cert: {
      name: `EIDETIC_${area}_TLS_CERT`,
      description: `PEM file with the certificate of this service, and those of its issuers; none: ${what} is not encrypted. Read again when it changes, as all certificates are.`,
      kind: file,
      default: 'none',
    },
    key: {
      name: `EIDETIC_${area}_TLS_KEY`,
      description: 'PEM file with the private key of that certificate.',
      kind: file,
      default: 'none',
    },
  }) as const;

const grpc = identitySettings('GRPC', 'gRPC');
const http = identitySettings('HTTP', 'HTTP');

/** TLS of a service's gRPC port. */
export const GRPC_TLS_SETTINGS = {
  grpcTlsCert: grpc.cert,
  grpcTlsKey: grpc.key,
  grpcTlsClientCa: {
    name: 'EIDETIC_GRPC_TLS_CLIENT_CA',
    description:
      'PEM file with the certificates of the authorities that clients must have a certificate of; none: clients need none.',
    kind: file,
    default: 'none',
  },
} as const satisfies ConfigDefinition;

/** TLS of a service's HTTP port. */
export const HTTP_TLS_SETTINGS = { httpTlsCert: http.cert, httpTlsKey: http.key } as const satisfies ConfigDefinition;

/** TLS towards vision encoders and decoders. */
export const POD_TLS_SETTINGS = {
  podTlsCa: {
    name: 'EIDETIC_POD_TLS_CA',
    description:
      'PEM file with the certificates of the authorities that vision encoders and decoders are believed by; none: gRPC to them is not encrypted.',
    kind: file,
    default: 'none',
  },
  podTlsName: {
    name: 'EIDETIC_POD_TLS_NAME',
    description: 'Name that their certificates must be for; none: the address that they are reached at.',
    kind: optional(text()),
    default: 'none',
  },
  podTlsCert: {
    name: 'EIDETIC_POD_TLS_CERT',
    description: 'PEM file with the certificate that this service shows to them; none: it shows none.',
    kind: file,
    default: 'none',
  },
  podTlsKey: {
    name: 'EIDETIC_POD_TLS_KEY',
    description: 'PEM file with the private key of that certificate.',
    kind: file,
    default: 'none',
  },
} as const satisfies ConfigDefinition;

type OnChange = Pick<CertificateFilesOptions, 'onChange'>;

/** Both files, or none. */
const identityOf = (cert: [string, string | undefined], key: [string, string | undefined]) => {
  const [[certSetting, certPath], [keySetting, keyPath]] = [cert, key];
  if (certPath === undefined && keyPath === undefined) return undefined;
  if (certPath !== undefined && keyPath !== undefined) {
    return { cert: { setting: certSetting, path: certPath }, key: { setting: keySetting, path: keyPath } };
  }
  const [given, missing] = certPath === undefined ? [keySetting, certSetting] : [certSetting, keySetting];
  throw new EideticError('invalid_config', `${missing}: missing, although ${given} is set. Set both, or none.`);
};

/**
 * Certificates of a gRPC server; with authorities, clients must have a certificate of theirs. Undefined: it does not encrypt.
 *
 * @throws EideticError `invalid_config` that names the setting.
 */
export const grpcCertificates = (
  config: Config<typeof GRPC_TLS_SETTINGS>,
  options: OnChange,
): CertificateFiles | undefined => {
  const identity = identityOf([grpc.cert.name, config.grpcTlsCert], [grpc.key.name, config.grpcTlsKey]);
  const { name } = GRPC_TLS_SETTINGS.grpcTlsClientCa;
  const ca = config.grpcTlsClientCa;
  if (identity === undefined && ca !== undefined) {
    const message = `${name}: of no use without ${grpc.cert.name}. Set that too, or leave both out.`;
    throw new EideticError('invalid_config', message);
  }
  return (
    identity && new CertificateFiles({ ...options, identity, ca: ca === undefined ? ca : { setting: name, path: ca } })
  );
};

/**
 * Certificates of an HTTP server. Undefined: it does not encrypt.
 *
 * @throws EideticError `invalid_config` that names the setting.
 */
export const httpCertificates = (
  config: Config<typeof HTTP_TLS_SETTINGS>,
  options: OnChange,
): CertificateFiles | undefined => {
  const identity = identityOf([http.cert.name, config.httpTlsCert], [http.key.name, config.httpTlsKey]);
  return identity && new CertificateFiles({ ...options, identity });
};

/**
 * Certificates for connections to vision encoders and decoders, and the name that theirs must be for. Undefined: they are not encrypted.
 *
 * @throws EideticError `invalid_config` that names the setting.
 */
export const podCertificates = (config: Config<typeof POD_TLS_SETTINGS>, options: OnChange) => {
  const { podTlsCa: ca, podTlsName: serverName } = config;
  const { podTlsCa, podTlsCert, podTlsKey, podTlsName } = POD_TLS_SETTINGS;
  const identity = identityOf([podTlsCert.name, config.podTlsCert], [podTlsKey.name, config.podTlsKey]);
  if (ca !== undefined) {
    const certificates = new CertificateFiles({ ...options, identity, ca: { setting: podTlsCa.name, path: ca } });
    return { certificates, ...(serverName !== undefined && { serverName }) };
  }
  if (identity === undefined && serverName === undefined) return undefined;
  const given = identity === undefined ? podTlsName.name : podTlsCert.name;
  const message = `${given}: of no use without ${podTlsCa.name}. Set that too, or leave both out.`;
  throw new EideticError('invalid_config', message);
};
