/** `EIDETIC_*` variables that are for this command, tests or benchmarks; services refuse what they do not know. */
const NOT_FOR_SERVICES = ['EIDETIC_API_KEY', 'EIDETIC_REDIS_SERVER', 'EIDETIC_CHROMIUM'];

/** The variables of an environment that are meant for services. */
export const serviceSettings = (env: NodeJS.ProcessEnv): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      name.startsWith('EIDETIC_') && !NOT_FOR_SERVICES.includes(name) && value !== undefined ? [[name, value]] : [],
    ),
  );
