import { readDescriptors } from '@eidetic/proto';
import { RpcServer } from '@eidetic/rpc';
import { grpcCertificates } from '@eidetic/tls';
import { expect, it, onTestFinished } from 'vitest';
import { eidetic } from '../../services/cli/test/eidetic.ts';
import { Authority, filesOf } from '../support/certificates.ts';
import { StandaloneServer } from '../support/standalone-server.ts';

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

/** What the doctor finds on the ports of a server that runs with these settings, when it has some of them too. */
const findPorts = async (
  server: StandaloneServer,
  settings: Readonly<Record<string, string>>,
): Promise<readonly (string | undefined)[]> => {
  const [http, grpc] = [server.url, server.grpc].map((address) => address.split(':').at(-1) ?? '');
  const env = { ...settings, EIDETIC_HTTP_PORT: http ?? '', EIDETIC_GRPC_PORT: grpc ?? '' };
  const { stdout } = await eidetic(['doctor', '--json'], { env });
  const { findings } = JSON.parse(stdout) as { findings: readonly { check: string; message: string }[] };
  return [http, grpc].map((port) => findings.find(({ check }) => check === `port ${port}`)?.message);
};

const OURS = 'an Eidetic server listens on 127.0.0.1 already';
const ANOTHER = 'another program listens on 127.0.0.1';

it('knows the ports of a server that runs already', async () => {
  await using server = await StandaloneServer.start();
  expect(await findPorts(server, {})).toEqual([OURS, OURS]);
});

it('knows them where it encrypts, and takes no calls from those who show nothing', async () => {
  const authority = await Authority.create();
  const [own, other] = await Promise.all([authority.certify('127.0.0.1'), authority.certify('127.0.0.1')]);
  const paths = await filesOf({ ...own, ca: authority.pem, otherCert: other.cert, otherKey: other.key });
  const settings = {
    EIDETIC_HTTP_TLS_CERT: paths.cert,
    EIDETIC_HTTP_TLS_KEY: paths.key,
    EIDETIC_GRPC_TLS_CERT: paths.cert,
    EIDETIC_GRPC_TLS_KEY: paths.key,
    EIDETIC_GRPC_TLS_CLIENT_CA: paths.ca,
  };
  await using server = await StandaloneServer.start(settings);
  expect(await findPorts(server, settings)).toEqual([OURS, OURS]);
  const others = { EIDETIC_GRPC_TLS_CERT: paths.otherCert, EIDETIC_GRPC_TLS_KEY: paths.otherKey };
  expect(await findPorts(server, others)).toEqual([OURS, ANOTHER]);
});

it('finds a certificate that no server would start with', async () => {
  const paths = await filesOf(await (await Authority.create()).certify('a', { fromDays: -2, toDays: -1 }));
  const env = { EIDETIC_HTTP_TLS_CERT: paths.cert, EIDETIC_HTTP_TLS_KEY: paths.key };
  const { status, stdout } = await eidetic(['doctor', '--json'], { env });
  expect(status).toBe(1);
  expect(JSON.parse(stdout).findings).toContainEqual(
    expect.objectContaining({
      check: 'certificates',
      verdict: 'problem',
      message: expect.stringContaining(`EIDETIC_HTTP_TLS_CERT: ${paths.cert} expired on`),
    }),
  );
});
