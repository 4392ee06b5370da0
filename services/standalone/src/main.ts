import { greeting } from '@eidetic/chat-server';
import { modelPlanOf } from '@eidetic/model-loader';
import { runService } from '@eidetic/service';
import { createApp } from './app.ts';
import { CONFIG_DEFINITION } from './config.ts';
import { help } from './messages.ts';

runService({
  help: help(),
  definition: CONFIG_DEFINITION,
  create: createApp,
  greeting: (addresses, config) => greeting(addresses, modelPlanOf(config).modelName),
});
