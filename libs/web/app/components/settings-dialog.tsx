import { useId, useState } from 'react';
import { useText } from '../i18n/text.ts';
import {
  NUMBER_SETTINGS,
  type NumberSetting,
  type Preferences,
  readNumber,
  type Sampling,
  type Theme,
} from '../preferences/preferences.ts';
import { Modal } from './modal.tsx';

interface NumberFieldProps {
  readonly setting: NumberSetting;
  readonly value: number | undefined;
  readonly onChange: (value: number | undefined) => void;
}

const NumberField = ({ setting, value, onChange }: NumberFieldProps) => {
  const t = useText();
  const id = useId();
  const { name, min, max, step } = setting;
  const [typed, setTyped] = useState(value === undefined ? '' : String(value));
  const wrong = typed !== '' && readNumber(setting, typed) === undefined;
  return (
    <div className="field">
      <label htmlFor={id}>{t(name)}</label>
      <input
        id={id}
        type="text"
        inputMode={step < 1 ? 'decimal' : 'numeric'}
        placeholder={t('byServer')}
        aria-invalid={wrong}
        aria-describedby={`${id}-help`}
        value={typed}
        onChange={({ target }) => {
          setTyped(target.value);
          onChange(readNumber(setting, target.value));
        }}
      />
      <p id={`${id}-help`}>{wrong ? t('outOfRange', { min, max }) : t(`${name}Help`)}</p>
    </div>
  );
};

interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly options: readonly (readonly [value: T, text: string])[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}

const Choice = <T extends string>({ label, options, value, onChange }: ChoiceProps<T>) => {
  const name = useId();
  return (
    <fieldset className="choice">
      <legend>{label}</legend>
      {options.map(([option, text]) => (
        <label key={option}>
          <input type="radio" name={name} checked={option === value} onChange={() => onChange(option)} />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
};

interface Props {
  readonly preferences: Preferences;
  readonly onChange: (change: Partial<Preferences>) => void;
  readonly apiKey: string;
  readonly onApiKey: (key: string) => void;
  readonly onClose: () => void;
}

/** What people may set: how answers are made, how the page looks, the key. It holds at once, the key once it is whole. */
export const SettingsDialog = ({ preferences, onChange, apiKey, onApiKey, onClose }: Props) => {
  const t = useText();
  const id = useId();
  const [resets, setResets] = useState(0);
  const [key, setKey] = useState(apiKey);
  const { sampling, theme, language } = preferences;
  const set = <K extends keyof Sampling>(name: K, value: Sampling[K] | undefined): void => {
    const { [name]: _, ...rest } = sampling;
    onChange({ sampling: value === undefined || value === '' ? rest : { ...rest, [name]: value } });
  };
  const reset = (): void => {
    onChange({ sampling: {} });
    setResets(resets + 1);
  };
  const close = (): void => {
    if (key !== apiKey) onApiKey(key);
    onClose();
  };
  const themes: readonly (readonly [Theme, string])[] = [
    ['system', t('themeSystem')],
    ['light', t('themeLight')],
    ['dark', t('themeDark')],
  ];
  return (
    <Modal title={t('settings')} className="drawer" onClose={close}>
      <section key={resets} aria-label={t('answers')}>
        <h3>{t('answers')}</h3>
        <div className="fields">
          {NUMBER_SETTINGS.map((setting) => (
            <NumberField
              key={setting.name}
              setting={setting}
              value={sampling[setting.name]}
              onChange={(value) => set(setting.name, value)}
            />
          ))}
        </div>
        <div className="field">
          <label htmlFor={`${id}-system`}>{t('system')}</label>
          <textarea
            id={`${id}-system`}
            rows={3}
            aria-describedby={`${id}-system-help`}
            value={sampling.system ?? ''}
            onChange={({ target }) => set('system', target.value)}
          />
          <p id={`${id}-system-help`}>{t('systemHelp')}</p>
        </div>
        <button type="button" className="secondary" onClick={reset}>
          {t('reset')}
        </button>
      </section>
      <section aria-label={t('appearance')}>
        <h3>{t('appearance')}</h3>
        <Choice label={t('theme')} options={themes} value={theme} onChange={(value) => onChange({ theme: value })} />
        <Choice
          label={t('language')}
          options={[
            ['en', 'English'],
            ['zh', '中文'],
          ]}
          value={language}
          onChange={(value) => onChange({ language: value })}
        />
      </section>
      <section aria-label={t('access')}>
        <h3>{t('access')}</h3>
        <div className="field">
          <label htmlFor={`${id}-key`}>{t('apiKey')}</label>
          <input
            id={`${id}-key`}
            type="password"
            autoComplete="off"
            aria-describedby={`${id}-key-help`}
            value={key}
            onChange={({ target }) => setKey(target.value.trim())}
          />
          <p id={`${id}-key-help`}>{t('apiKeyHelp')}</p>
        </div>
      </section>
    </Modal>
  );
};
