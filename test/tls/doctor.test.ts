import { readDescriptors } from '@eidetic/proto';
import { RpcServer } from '@eidetic/rpc';
import { grpcCertificates } from '@eidetic/tls';
import { expect, it, onTestFinished } from 'vitest';
import { eidetic } from '../../services/cli/test/eidetic.ts';
import { Authority, filesOf } from '../support/certificates.ts';

it('lets the doctor ask services that encrypt as a gateway does', async () => {
  const authority = await Authority.create();
  const paths = await filesOf({ ...(await authority.certify('127.0.0.1')), ca: authority.pem });
  const server = new RpcServer({
    services: [],
    descriptors: readDescriptors(),
    maxConnectionAgeMs: 60_000,
    certificates: grpcCertificates(
      { grpcTlsCert: paths.cert, grpcTlsKey: paths.key, grpcTlsClientCa: paths.ca },
      { onChange: () => undefined },
    ),
    onEnd: () => undefined,
  });
  onTestFinished(() => server.stop());
  const address = await server.listen({ host: '127.0.0.1', port: 0, settings: '' });
  server.setServing(true);
  const verdict = async (env: Readonly<Record<string, string>>) => {
    const { stdout } = await eidetic(['doctor', '--json', '--decoders', address], { env });
    const { findings } = JSON.parse(stdout) as { findings: readonly { check: string; verdict: string }[] };
    return findings.find(({ check }) => check === 'decoder')?.verdict;
  };
  const shown = { EIDETIC_POD_TLS_CA: paths.ca, EIDETIC_POD_TLS_CERT: paths.cert, EIDETIC_POD_TLS_KEY: paths.key };
  expect(await verdict(shown)).toBe('ok');
  expect(await verdict({})).toBe('problem');
});
