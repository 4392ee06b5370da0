import type { ChatService, ModelFacts } from '@eidetic/chat';
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

/** What there is to know of a model once it is loaded: the length of its context under vLLM's name, and what pictures take. */
const factsJson = (facts: ModelFacts | undefined) =>
  facts && {
    max_model_len: facts.maxContext,
    eidetic: { imageTokens: facts.tokensPerImage, maxImages: facts.maxImages },
  };

/** `/models`: the model that is served here. */
export const addModelRoutes = (app: FastifyInstance, service: Pick<ChatService, 'model' | 'facts'>): void => {
  const created = Math.floor(Date.now() / 1000);
  const modelJson = () => ({
    id: service.model,
    object: 'model',
    created,
    owned_by: 'eidetic',
    ...factsJson(service.facts),
  });
  app.get('/models', () => ({ object: 'list', data: [modelJson()] }));
  app.get<{ Params: { model: string } }>('/models/:model', ({ params }) => {
    refuseOtherModels(params.model, service.model);
    return modelJson();
  });
  refuseOtherMethods(app, '/models', ['GET', 'HEAD']);
  refuseOtherMethods(app, '/models/:model', ['GET', 'HEAD']);
};
