export { type App, createApp } from './app.ts';
export { CONFIG_DEFINITION, type StandaloneConfig } from './config.ts';
export { type LoadContext, type LoadedModel, loadModel, type ModelLoader } from './load-model.ts';
