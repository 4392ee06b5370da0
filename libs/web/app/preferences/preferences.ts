/** Languages that the page speaks. */
export type Language = 'en' | 'zh';

/** `system` follows the device. */
export type Theme = 'system' | 'light' | 'dark';

/** How answers are to be made; what is undefined is left to the server. */
export interface Sampling {
  readonly temperature?: number;
  readonly topP?: number;
  readonly maxTokens?: number;
  readonly seed?: number;
  /** What the model is to be and do. */
  readonly system?: string;
}

/** What the page remembers from visit to visit. */
export interface Preferences {
  readonly language: Language;
  readonly theme: Theme;
  readonly sampling: Sampling;
}

/** A number that may be set, with its bounds as the API has them. */
export interface NumberSetting {
  readonly name: Exclude<keyof Sampling, 'system'>;
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

/** The numbers of {@link Sampling}; docs/api.md says what they do. */
export const NUMBER_SETTINGS: readonly NumberSetting[] = [
  { name: 'temperature', min: 0, max: 2, step: 0.1 },
  { name: 'topP', min: 0.05, max: 1, step: 0.05 },
  { name: 'maxTokens', min: 1, max: 8192, step: 1 },
  { name: 'seed', min: 0, max: 2_147_483_647, step: 1 },
];

/** A number as typed; undefined if it is none or outside of its bounds. */
export const readNumber = ({ min, max, step }: NumberSetting, text: string): number | undefined => {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  const fits = value >= min && value <= max && (step < 1 || Number.isInteger(value));
  return fits ? value : undefined;
};

const readSampling = (stored: Readonly<Record<string, unknown>>): Sampling => {
  const numbers = NUMBER_SETTINGS.flatMap((setting) => {
    const value = readNumber(setting, String(stored[setting.name] ?? ''));
    return value === undefined ? [] : [[setting.name, value]];
  });
  const { system } = stored;
  return { ...Object.fromEntries(numbers), ...(typeof system === 'string' && system !== '' && { system }) };
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/**
 * Reads what was stored; what is missing or cannot be read becomes the default.
 *
 * @param stored JSON, or null if nothing was stored.
 * @param browserLanguage BCP 47.
 */
export const parsePreferences = (stored: string | null, browserLanguage: string): Preferences => {
  let value: unknown;
  try {
    value = JSON.parse(stored ?? '{}');
  } catch {
    // Written by something else: the defaults will do.
  }
  const { language, theme, sampling } = isObject(value) ? value : {};
  return {
    language: language === 'en' || language === 'zh' ? language : browserLanguage.startsWith('zh') ? 'zh' : 'en',
    theme: theme === 'light' || theme === 'dark' ? theme : 'system',
    sampling: isObject(sampling) ? readSampling(sampling) : {},
  };
};
