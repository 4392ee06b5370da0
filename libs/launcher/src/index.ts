export { becomeService } from './become-service.ts';
export { Cluster, type ClusterOptions } from './cluster.ts';
export { freePorts } from './free-ports.ts';
export { PrometheusServer, type PrometheusServerOptions } from './prometheus-server.ts';
export { RedisServer, type RedisServerOptions } from './redis-server.ts';
export { type ServiceName, type ServiceOptions, ServiceProcess } from './service-process.ts';
export { type SettingHelp, settingsOf } from './settings-of.ts';
