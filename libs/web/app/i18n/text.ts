import { createContext, use } from 'react';
import type { Language } from '../preferences/preferences.ts';
import { EN, type TextKey } from './en.ts';
import { ZH } from './zh.ts';

/** The text for a key, with `{name}` replaced by values. */
export type Text = (key: TextKey, values?: Readonly<Record<string, string | number>>) => string;

const DICTIONARIES = { en: EN, zh: ZH };

/** The texts of a language. */
export const textIn =
  (language: Language): Text =>
  (key, values = {}) =>
    DICTIONARIES[language][key].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name]));

/** The language of the page. */
export const LanguageContext = createContext<Language>('en');

/** The texts of the page's language. */
export const useText = (): Text => textIn(use(LanguageContext));
