import { modelPlanOf } from '@eidetic/model-loader';
import { runService } from '@eidetic/service';
import { createApp } from './app.ts';
import { CONFIG_DEFINITION } from './config.ts';
import { loadModel } from './load-model.ts';
import { greeting, help } from './messages.ts';

runService({
  help: help(),
  definition: CONFIG_DEFINITION,
  create: (config, say) => createApp(config, loadModel, say),
  greeting: (address, config) => greeting(address, modelPlanOf(config).modelName),
});
