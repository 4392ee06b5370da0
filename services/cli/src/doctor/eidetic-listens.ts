import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type RequestOptions, request } from 'node:https';
import { isIPv6 } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import {
  ChatServiceDefinition,
  DecoderServiceDefinition,
  HealthDefinition,
  VisionServiceDefinition,
} from '@eidetic/proto';
import { RpcChannel } from '@eidetic/rpc';
import type { CertificateFiles } from '@eidetic/tls';

const ANSWER_MS = 3000;

/** What `GET /healthz` of every service says. */
const ALIVE = '{"status":"alive"}';

/** Nobody is believed, and nothing is told: what is asked for is whether our own kind answers. */
const UNVERIFIED = { rejectUnauthorized: false } as const satisfies RequestOptions;

/** Whether an HTTP server of Eidetic answers there, encrypted or not. */
export const eideticAnswersHttp = async (host: string, port: number): Promise<boolean> =>
  (await isTrue(speaksPlain(host, port))) || (await isTrue(speaksTls(host, port)));

/**
 * Whether a gRPC server of Eidetic answers there.
 *
 * @param own certificates of this server's gRPC port: one that encrypts may answer only those with a certificate, but shows its own to all
 */
export const eideticAnswersGrpc = async (
  host: string,
  port: number,
  own: CertificateFiles | undefined,
): Promise<boolean> =>
  (await isTrue(hasOurServices(host, port))) || (own !== undefined && (await isTrue(shows(host, port, own))));

/** Whatever fails does not speak as we do. */
const isTrue = (answer: Promise<boolean>): Promise<boolean> => answer.catch(() => false);

const addressOf = (host: string, port: number): string => (isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`);

const speaksPlain = async (host: string, port: number): Promise<boolean> => {
  const response = await fetch(`http://${addressOf(host, port)}/healthz`, { signal: AbortSignal.timeout(ANSWER_MS) });
  return (await response.text()) === ALIVE;
};

const speaksTls = async (host: string, port: number): Promise<boolean> => {
  const signal = AbortSignal.timeout(ANSWER_MS);
  const sent = request({ host, port, path: '/healthz', agent: false, signal, ...UNVERIFIED }).end();
  const [response] = await once(sent, 'response');
  return (await text(response)) === ALIVE;
};

/** Health of a service that a server does not have is an error. */
const hasOurServices = async (host: string, port: number): Promise<boolean> => {
  using channel = new RpcChannel(addressOf(host, port));
  const options = { signal: AbortSignal.timeout(ANSWER_MS) };
  const services = [ChatServiceDefinition, DecoderServiceDefinition, VisionServiceDefinition];
  await Promise.any(
    services.map(({ fullName }) => channel.unary(HealthDefinition, 'check', { service: fullName }, options)),
  );
  return true;
};

const shows = async (host: string, port: number, own: CertificateFiles): Promise<boolean> => {
  const { identity } = own.current;
  const socket = connect({ host, port, ALPNProtocols: ['h2'], ...UNVERIFIED });
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(ANSWER_MS) });
    return identity !== undefined && new X509Certificate(identity.cert).raw.equals(socket.getPeerCertificate().raw);
  } finally {
    socket.destroy();
  }
};
