export { blockingConnection, closeInTime, connectForCommands, type FailureObserver } from './connection.ts';
