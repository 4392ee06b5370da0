import { BATCH_ENDPOINTS } from '@eidetic/batches';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { tenantOf } from '../admit.ts';
import type { OpenaiApiParts } from '../api-parts.ts';
import { batchObject } from '../batch-object.ts';
import { expiresAfter } from '../expires-after.ts';
import { listObject, pageFields } from '../list-object.ts';
import { validate } from '../validate.ts';
import { refuseOtherMethods } from './methods.ts';

/** As OpenAI has it: 16 pairs, keys of 64 and values of 512 characters. */
const metadata = z
  .record(z.string().max(64), z.string().max(512))
  .refine((pairs) => Object.keys(pairs).length <= 16, 'expected at most 16 pairs');

/** https://platform.openai.com/docs/api-reference/batch/create */
const draft = z.strictObject({
  input_file_id: z.string(),
  endpoint: z.enum(BATCH_ENDPOINTS, `expected one of ${BATCH_ENDPOINTS.join(', ')}`),
  completion_window: z.literal('24h', 'expected "24h"'),
  metadata: metadata.nullish(),
  output_expires_after: expiresAfter.nullish(),
});

/** https://platform.openai.com/docs/api-reference/batch/list */
const listQuery = z.strictObject(pageFields({ max: 100, default: 20 }));

/** A batch is described, not brought. */
const MAX_BODY_BYTES = 64 * 1024;

type WithId = { Params: { id: string } };

/** `/batches`: requests that are answered when there is time, within a day. */
export const addBatchRoutes = (app: FastifyInstance, { batches }: OpenaiApiParts): void => {
  const tenant = (request: FastifyRequest): string => tenantOf(request) ?? '';
  app.post('/batches', { bodyLimit: MAX_BODY_BYTES }, async (request) => {
    const { input_file_id, endpoint, metadata: pairs, output_expires_after } = validate(draft, request.body);
    const batch = await batches().create(tenant(request), {
      endpoint,
      inputFileId: input_file_id,
      metadata: pairs ?? null,
      ...(output_expires_after && { outputLifetimeMs: output_expires_after.seconds * 1000 }),
    });
    return batchObject(batch);
  });
  app.get('/batches', async (request) => {
    const query = validate(listQuery, request.query);
    const { batches: page, hasMore } = await batches().list(tenant(request), query);
    return listObject(page.map(batchObject), hasMore);
  });
  app.get<WithId>('/batches/:id', async (request) =>
    batchObject(await batches().get(tenant(request), request.params.id)),
  );
  app.post<WithId>('/batches/:id/cancel', async (request) =>
    batchObject(await batches().cancel(tenant(request), request.params.id)),
  );
  refuseOtherMethods(app, '/batches', ['POST', 'GET', 'HEAD']);
  refuseOtherMethods(app, '/batches/:id', ['GET', 'HEAD']);
  refuseOtherMethods(app, '/batches/:id/cancel', ['POST']);
};
