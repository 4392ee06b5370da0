import { plainText } from '@eidetic/client';
import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { Composer, type ComposerHandle } from './components/composer.tsx';
import { Icon } from './components/icon.tsx';
import { KeyDialog } from './components/key-dialog.tsx';
import { SettingsDialog } from './components/settings-dialog.tsx';
import { Stage } from './components/stage.tsx';
import { Suggestions } from './components/suggestions.tsx';
import { Transcript } from './components/transcript.tsx';
import { Welcome } from './components/welcome.tsx';
import { createConversation } from './dialog/conversation.ts';
import { allPictures, type Dialog, isRunning, type Picture, picturesOf } from './dialog/dialog.ts';
import type { Example } from './dialog/examples.ts';
import { pictureAt, readPicture, releasePicture } from './dialog/read-picture.ts';
import { failureText } from './i18n/failure-text.ts';
import { LanguageContext, type Text, textIn } from './i18n/text.ts';
import { usePreferences } from './preferences/use-preferences.ts';
import { useIncomingPictures } from './use-incoming-pictures.ts';
import { useServer } from './use-server.ts';

/** What screen readers are told: that an answer is awaited, and the whole of it once it is there. */
const announcement = (dialog: Dialog, t: Text): string => {
  const turn = dialog.turns.at(-1);
  if (!turn) return '';
  const { state, raw, failure } = turn.answer;
  if (failure) return t(failureText(failure, navigator.onLine));
  return state === 'done' || state === 'stopped'
    ? plainText(raw)
    : t(turn.pictures.length > 0 ? 'looking' : 'thinking');
};

/** The page. */
export const App = () => {
  const [preferences, changePreferences] = usePreferences();
  const { server, model, failure, apiKey, setApiKey } = useServer();
  const { language, sampling } = preferences;
  const latestSampling = useRef(sampling);
  const [conversation] = useState(() =>
    createConversation({ ask: server.ask, sampling: () => latestSampling.current }),
  );
  const dialog = useSyncExternalStore(conversation.subscribe, conversation.current);
  const { dispatch } = conversation;
  const [settingsOpen, setSettingsOpen] = useState(false);
  const [keyDismissed, setKeyDismissed] = useState(false);
  const [notice, setNotice] = useState('');
  const composer = useRef<ComposerHandle>(null);
  const t = textIn(language);

  const running = isRunning(dialog);
  const pictures = allPictures(dialog);
  const empty = pictures.length === 0 && dialog.turns.length === 0;
  const lastFailure = dialog.turns.at(-1)?.answer.failure;
  const locked = [failure?.code, lastFailure?.code].includes('invalid_api_key');

  const addPicture = async (blob: Blob, name: string, example?: Example): Promise<void> => {
    const picture = await readPicture(blob, name, example?.file);
    if (picture) dispatch({ type: 'pictureAdded', picture });
    else setNotice(t('notAPicture', { name }));
  };
  const addFiles = async (files: Iterable<File>): Promise<void> => {
    setNotice('');
    for (const file of files) await addPicture(file, file.name);
    composer.current?.focus();
  };
  const addAddress = (address: string): boolean => {
    const picture = pictureAt(address);
    if (picture) dispatch({ type: 'pictureAdded', picture });
    return picture !== undefined;
  };
  const ask = (question: string): void => {
    setNotice('');
    setKeyDismissed(false);
    void conversation.ask(question);
  };
  const startWith = async (example: Example, question?: string): Promise<void> => {
    const response = await fetch(example.file).catch(() => undefined);
    if (!response?.ok) return setNotice(t(navigator.onLine ? 'unreachable' : 'offline'));
    await addPicture(await response.blob(), example.name[language], example);
    if (question === undefined) composer.current?.focus();
    else ask(question);
  };
  const remove = (picture: Picture): void => {
    dispatch({ type: 'pictureRemoved', key: picture.key });
    releasePicture(picture);
    composer.current?.focus();
  };
  const restart = (): void => {
    conversation.restart();
    for (const picture of pictures) releasePicture(picture);
    setNotice('');
    composer.current?.focus();
  };
  const unlock = (key: string): void => {
    setApiKey(key);
    if (lastFailure?.code === 'invalid_api_key') void conversation.askAgain();
  };

  const over = useIncomingPictures({ onFiles: (files) => void addFiles(files), onAddress: addAddress });
  useEffect(() => {
    latestSampling.current = sampling;
  }, [sampling]);
  useEffect(() => {
    document.title = textIn(language)('title');
  }, [language]);
  useEffect(() => {
    const stopOnEscape = ({ key, isComposing }: KeyboardEvent): void => {
      // What lies over the page, or an input method, has the key for itself.
      if (key !== 'Escape' || isComposing || document.querySelector('dialog[open], :popover-open')) return;
      conversation.stop();
    };
    addEventListener('keydown', stopOnEscape);
    return () => removeEventListener('keydown', stopOnEscape);
  }, [conversation]);

  const problem =
    failure && !locked
      ? t(failure.code === 'unavailable' ? 'starting' : failureText(failure, navigator.onLine))
      : notice;
  return (
    <LanguageContext value={language}>
      <a className="skip" href="#question">
        {t('skip')}
      </a>
      <header className="bar">
        <span className="brand">
          <img src="icon.svg" alt="" width="28" height="28" />
          Eidetic
        </span>
        <span className={`model ${model === undefined ? 'absent' : ''}`}>{model ?? t('connecting')}</span>
        <button
          type="button"
          className="quiet"
          lang={language === 'en' ? 'zh-CN' : 'en'}
          onClick={() => changePreferences({ language: language === 'en' ? 'zh' : 'en' })}
        >
          {language === 'en' ? '中文' : 'English'}
        </button>
        <button
          type="button"
          className="quiet"
          aria-label={t('settings')}
          title={t('settings')}
          onClick={() => setSettingsOpen(true)}
        >
          <Icon name="settings" />
        </button>
        {!empty && (
          <button type="button" className="quiet framed" aria-label={t('newDialog')} onClick={restart}>
            <Icon name="add" />
            <span className="wide-only">{t('newDialog')}</span>
          </button>
        )}
      </header>
      <main className={empty ? 'empty' : pictures.length > 0 ? 'with-pictures' : 'words-only'}>
        {empty ? (
          <Welcome
            onChoose={() => composer.current?.choose()}
            onExample={(example, question) => void startWith(example, question)}
            small={model?.includes('nano') ?? false}
          />
        ) : (
          <Stage dialog={dialog} dispatch={dispatch} />
        )}
        <section className="talk" aria-label={t('dialog')}>
          {dialog.turns.length > 0 && <Transcript dialog={dialog} conversation={conversation} onRemove={remove} />}
          <div className="dock">
            {problem !== '' && (
              <p className="notice" role="alert">
                {problem}
              </p>
            )}
            {!running && <Suggestions dialog={dialog} onAsk={ask} />}
            <Composer
              ref={composer}
              running={running}
              pending={dialog.pending}
              sent={picturesOf(dialog.turns).length}
              onAsk={ask}
              onStop={conversation.stop}
              onFiles={(files) => void addFiles(files)}
              onAddress={addAddress}
              onRemove={remove}
            />
          </div>
        </section>
      </main>
      {over && (
        <div className="drop">
          <p>{t('dropHere')}</p>
        </div>
      )}
      {settingsOpen && (
        <SettingsDialog
          preferences={preferences}
          onChange={changePreferences}
          apiKey={apiKey}
          onApiKey={setApiKey}
          onClose={() => setSettingsOpen(false)}
        />
      )}
      {locked && !keyDismissed && !settingsOpen && (
        <KeyDialog refused={apiKey} onKey={unlock} onClose={() => setKeyDismissed(true)} />
      )}
      <p className="unseen" role="status">
        {announcement(dialog, t)}
      </p>
    </LanguageContext>
  );
};
