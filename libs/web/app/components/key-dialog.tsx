import { useId, useState } from 'react';
import { useText } from '../i18n/text.ts';
import { Modal } from './modal.tsx';

interface Props {
  /** The key that the server did not accept; empty if there was none. */
  readonly refused: string;
  readonly onKey: (key: string) => void;
  readonly onClose: () => void;
}

/** Asks for the key that the server wants to see. */
export const KeyDialog = ({ refused, onKey, onClose }: Props) => {
  const t = useText();
  const id = useId();
  const [key, setKey] = useState('');
  return (
    <Modal title={t('keyNeeded')} className="card" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (key.trim() !== '') onKey(key.trim());
        }}
      >
        <p>{refused === '' ? t('keyNeededHelp') : t('keyRefused')}</p>
        <div className="field">
          <label htmlFor={id}>{t('apiKey')}</label>
          <input
            id={id}
            type="password"
            autoComplete="off"
            aria-describedby={`${id}-help`}
            value={key}
            onChange={({ target }) => setKey(target.value)}
          />
          <p id={`${id}-help`}>{t('apiKeyHelp')}</p>
        </div>
        <p className="actions">
          <button type="submit" className="primary">
            {t('unlock')}
          </button>
        </p>
      </form>
    </Modal>
  );
};
