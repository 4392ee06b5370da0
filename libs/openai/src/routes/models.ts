import { EideticError } from '@eidetic/core';
import type { FastifyInstance } from 'fastify';
import { refuseOtherMethods } from './methods.ts';

/** @throws EideticError `model_not_found` */
export const refuseOtherModels = (asked: string, served: string): void => {
  if (asked === served) return;
  throw new EideticError(
    'model_not_found',
    `model: "${asked.slice(0, 100)}" is not served here; ask for "${served}".`,
    {
      details: { param: 'model' },
    },
  );
};

/** `/models`: the model that is served here. */
export const addModelRoutes = (app: FastifyInstance, served: string): void => {
  const created = Math.floor(Date.now() / 1000);
  const model = { id: served, object: 'model', created, owned_by: 'eidetic' };
  app.get('/models', () => ({ object: 'list', data: [model] }));
  app.get<{ Params: { model: string } }>('/models/:model', ({ params }) => {
    refuseOtherModels(params.model, served);
    return model;
  });
  refuseOtherMethods(app, '/models', ['GET', 'HEAD']);
  refuseOtherMethods(app, '/models/:model', ['GET', 'HEAD']);
};
