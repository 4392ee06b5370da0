import { useEffect, useState } from 'react';
import { type Preferences, parsePreferences } from './preferences.ts';

const STORAGE_KEY = 'eidetic.preferences';

/** What is remembered from visit to visit, and how to change it. Language and theme are set on the document. */
export const usePreferences = (): readonly [Preferences, (change: Partial<Preferences>) => void] => {
  const [preferences, setPreferences] = useState(() =>
    parsePreferences(localStorage.getItem(STORAGE_KEY), navigator.language),
  );
  const { language, theme } = preferences;
  useEffect(() => {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    document.documentElement.dataset.theme = theme;
  }, [language, theme]);
  const change = (part: Partial<Preferences>): void => {
    const next = { ...preferences, ...part };
    localStorage.setItem(STORAGE_KEY, JSON.stringify(next));
    setPreferences(next);
  };
  return [preferences, change];
};
