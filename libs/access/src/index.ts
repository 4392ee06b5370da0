export { createOpenAccess } from './open-access.ts';
