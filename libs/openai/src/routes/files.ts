import { Readable } from 'node:stream';
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { tenantOf } from '../admit.ts';
import type { OpenaiApiOptions, OpenaiApiParts } from '../api-parts.ts';
import { fileObject } from '../file-object.ts';
import { takeUpload } from '../file-upload.ts';
import { listObject, pageFields } from '../list-object.ts';
import { lifeOf } from '../request-life.ts';
import { validate } from '../validate.ts';
import { whenClosed } from '../when-closed.ts';
import { refuseOtherMethods } from './methods.ts';

/** https://platform.openai.com/docs/api-reference/files/list */
const listQuery = z.strictObject({
  ...pageFields({ max: 10_000, default: 10_000 }),
  purpose: z.enum(['vision', 'batch', 'user_data', 'batch_output']).optional(),
  order: z.enum(['asc', 'desc'], 'expected "asc" or "desc"').default('desc'),
});

type WithId = { Params: { id: string } };

/** `/files`: what tenants upload, and what batches write for them. */
export const addFileRoutes = (app: FastifyInstance, parts: OpenaiApiParts, options: OpenaiApiOptions): void => {
  const tenant = (request: FastifyRequest): string => tenantOf(request) ?? '';
  /** Uploads are written down as they come; in memory is one picture at most, when it is looked at. */
  const reservePicture = async ({ headers }: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const announced = Number(headers['content-length'] ?? parts.pictures.maxBytes);
    whenClosed(reply, parts.bodies.reserve(Math.min(announced, parts.pictures.maxBytes)));
  };
  void app.register((scope, _options, registered) => {
    void scope.register(multipart);
    scope.post('/files', { onRequest: reservePicture }, async (request, reply) => {
      lifeOf(reply, options.requestDeadlineMs).addEventListener('abort', () => {
        if (!reply.sent) request.raw.destroy();
      });
      return fileObject(await takeUpload(request, parts));
    });
    registered();
  });
  app.get('/files', async (request) => {
    const query = validate(listQuery, request.query);
    const { files, hasMore } = await parts.files().list(tenant(request), query);
    return listObject(files.map(fileObject), hasMore);
  });
  app.get<WithId>('/files/:id', async (request) =>
    fileObject(await parts.files().get(tenant(request), request.params.id)),
  );
  app.delete<WithId>('/files/:id', async (request) => {
    await parts.files().remove(tenant(request), request.params.id);
    return { id: request.params.id, object: 'file', deleted: true };
  });
  app.get<WithId>('/files/:id/content', async (request, reply) => {
    // Whoever reads nothing of it would keep the file open for as long as they like.
    lifeOf(reply, options.requestDeadlineMs);
    const { file, content } = await parts.files().read(tenant(request), request.params.id);
    // Whatever was uploaded: no browser may take it for a page.
    return reply
      .headers({
        'content-type': 'application/octet-stream',
        'content-length': file.sizeBytes,
        'content-disposition': 'attachment',
        'x-content-type-options': 'nosniff',
      })
      .send(Readable.from(content));
  });
  refuseOtherMethods(app, '/files', ['POST', 'GET', 'HEAD']);
  refuseOtherMethods(app, '/files/:id', ['GET', 'HEAD', 'DELETE']);
  refuseOtherMethods(app, '/files/:id/content', ['GET', 'HEAD']);
};
