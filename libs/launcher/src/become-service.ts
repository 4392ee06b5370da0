import { mainOf, type ServiceName } from './service-process.ts';

/**
 * Makes a service of this very process, with its terminal, its signals and its exit status; what ran here before is gone.
 *
 * @param settings `EIDETIC_*` variables; of this process's own none is passed on.
 */
export function becomeService(name: ServiceName, settings: Readonly<Record<string, string>>): never {
  const inherited = Object.entries(process.env).filter(([variable]) => !variable.startsWith('EIDETIC_'));
  const env = { ...Object.fromEntries(inherited), ...settings };
  process.execve?.(process.execPath, [process.execPath, mainOf(name)], env);
  throw new Error(`Node ${process.version} on ${process.platform} cannot become another program.`);
}
