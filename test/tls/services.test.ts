import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ServiceProcess } from '@eidetic/launcher';
import { ChatServiceDefinition, ImageServiceDefinition } from '@eidetic/proto';
import { RpcChannel } from '@eidetic/rpc';
import { CertificateFiles } from '@eidetic/tls';
import { expect, it, onTestFinished } from 'vitest';
import { Authority, filesOf } from '../support/certificates.ts';
import { startCluster } from '../support/clusters.ts';
import { GOLDENS_DIRECTORY, goldens } from '../support/goldens.ts';
import { namedPart, rpcChat, rpcDialog, rpcRequest, textPart } from '../support/rpc-chat.ts';

/** What an HTTPS server says, believed by an authority. */
const getJson = async (url: string, ca: string): Promise<unknown> => {
  const sent = request(url, { ca }).end();
  const [response] = await once(sent, 'response');
  return JSON.parse(await text(response));
};

it('encrypts a cluster from its clients to its decoders, and lets nobody in between', async () => {
  const authority = await Authority.create();
  const [server, pod] = await Promise.all([authority.certify('127.0.0.1'), authority.certify('pod')]);
  const files = await filesOf({
    cert: server.cert,
    key: server.key,
    podCert: pod.cert,
    podKey: pod.key,
    ca: authority.pem,
  });
  const podSettings = {
    EIDETIC_GRPC_TLS_CERT: files.podCert,
    EIDETIC_GRPC_TLS_KEY: files.podKey,
    EIDETIC_GRPC_TLS_CLIENT_CA: files.ca,
  };
  await using watched = await startCluster({
    gateways: 1,
    visionEncoders: 1,
    decoders: 1,
    visionSettings: podSettings,
    decoderSettings: podSettings,
    gatewaySettings: {
      EIDETIC_GRPC_TLS_CERT: files.cert,
      EIDETIC_GRPC_TLS_KEY: files.key,
      EIDETIC_HTTP_TLS_CERT: files.cert,
      EIDETIC_HTTP_TLS_KEY: files.key,
      EIDETIC_POD_TLS_CA: files.ca,
      EIDETIC_POD_TLS_NAME: 'pod',
      EIDETIC_POD_TLS_CERT: files.cert,
      EIDETIC_POD_TLS_KEY: files.key,
    },
  });
  const [gateway] = watched.cluster.gateways;
  const [decoder] = watched.cluster.decoders;
  const certificates = new CertificateFiles({ ca: { setting: 'CA', path: files.ca } });
  using channel = new RpcChannel(gateway?.grpc ?? '', { tls: { certificates } });
  const golden = goldens.cases.find(({ name }) => name === '17-ground-en');
  if (!golden) throw new Error('a golden case is missing');
  const answer = await rpcChat(channel, rpcDialog(golden));
  expect(answer.text).toBe(golden.output_text);
  expect(answer.all('grounding')).not.toEqual([]);
  const picture = readFileSync(join(GOLDENS_DIRECTORY, 'images/06-color-1.png'));
  const upload = [{ sizeBytes: picture.length, chunk: picture }];
  const { imageId } = await channel.upload(ImageServiceDefinition, 'upload', upload);
  const named = await rpcChat(channel, rpcRequest([namedPart(imageId), textPart('What is this?')], { maxTokens: 4 }));
  expect(named.all('started')[0]?.images).toMatchObject([{ imageId, cached: true }]);

  expect(gateway?.http).toMatch(/^https:/);
  expect(await getJson(`${gateway?.http}/readyz`, authority.pem)).toEqual({ status: 'ready' });
  using plain = new RpcChannel(gateway?.grpc ?? '');
  await expect(plain.unary(ChatServiceDefinition, 'listModels', {})).rejects.toMatchObject({ code: 'unavailable' });
  using anonymous = new RpcChannel(decoder?.grpc ?? '', { tls: { certificates, serverName: 'pod' } });
  await expect(anonymous.unary(ChatServiceDefinition, 'listModels', {})).rejects.toMatchObject({ code: 'unavailable' });
  expect(watched.troubles()).toEqual([]);
});

it('does not start with a certificate that is of no use, and names it', async () => {
  const files = await filesOf(await (await Authority.create()).certify('a', { fromDays: -2, toDays: -1 }));
  const settings = {
    EIDETIC_HTTP_PORT: '0',
    EIDETIC_GRPC_PORT: '0',
    EIDETIC_GRPC_TLS_CERT: files.cert,
    EIDETIC_GRPC_TLS_KEY: files.key,
  };
  const started = ServiceProcess.start('standalone', { settings });
  onTestFinished(() =>
    started.then(
      (service) => service.kill(),
      () => undefined,
    ),
  );
  await expect(started).rejects.toThrow(`EIDETIC_GRPC_TLS_CERT: ${files.cert} expired on`);
});
