import { modelPlanOf } from '@eidetic/model-loader';
import { runService } from '@eidetic/service';
import { createApp } from './app.ts';
import { CONFIG_DEFINITION } from './config.ts';
import { loadVision } from './load-vision.ts';
import { greeting, help } from './messages.ts';

runService({
  help: help(),
  definition: CONFIG_DEFINITION,
  create: (config, report) => createApp(config, { loadVision, report }),
  greeting: (addresses, config) => greeting(addresses, modelPlanOf(config).modelName),
});
