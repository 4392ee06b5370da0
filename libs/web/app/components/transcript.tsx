import { plainText } from '@eidetic/client';
import { useCallback, useLayoutEffect, useRef, useState } from 'react';
import type { Conversation } from '../dialog/conversation.ts';
import { type Dialog, isRemovable, isRunning, type Picture, picturesOf, type Turn } from '../dialog/dialog.ts';
import { useText } from '../i18n/text.ts';
import { Facts } from './facts.tsx';
import { FailureNotice } from './failure-notice.tsx';
import { Icon } from './icon.tsx';
import { Question } from './question.tsx';
import { Words } from './words.tsx';

/** How near to its end, in pixels, a reader must be for the transcript to follow the answer. */
const NEAR_END = 80;

const CopyButton = ({ text }: { readonly text: string }) => {
  const t = useText();
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  const label = t(copied ? 'copied' : 'copy');
  return (
    // Browsers have no clipboard for pages that came over plain HTTP from another machine.
    'clipboard' in navigator && (
      <button type="button" className="tool" aria-label={label} title={label} onClick={() => void copy()}>
        <Icon name={copied ? 'check' : 'copy'} />
      </button>
    )
  );
};

interface TurnProps {
  readonly turn: Turn;
  readonly dialog: Dialog;
  readonly conversation: Conversation;
  readonly onRemove: (picture: Picture) => void;
}

const TurnView = ({ turn, dialog, conversation, onRemove }: TurnProps) => {
  const t = useText();
  const { dispatch, askAgain } = conversation;
  const { answer } = turn;
  const { turns } = dialog;
  const isLast = turn === turns.at(-1);
  const busy = isLast && isRunning(dialog);
  // The same each time, so that the words of answers that are whole are not read again with every piece of a new one.
  const onPoint = useCallback(
    (grounding: number | undefined) => dispatch({ type: 'pointed', turn: turn.id, grounding }),
    [dispatch, turn.id],
  );
  const changeable = isLast && !busy;
  return (
    <li className="turn">
      <Question
        turn={turn}
        firstPicture={picturesOf(turns.slice(0, turns.indexOf(turn))).length}
        onShow={(index) => dispatch({ type: 'pictureShown', index })}
        onEdit={changeable ? (question) => void askAgain(question) : undefined}
        onRemove={isRemovable(dialog, turn) ? onRemove : undefined}
      />
      <article className={`answer ${answer.state}`} aria-label={t('answer')} aria-busy={busy}>
        {answer.state === 'waiting' && (
          <p className="waiting-text">{t(turn.pictures.length > 0 ? 'looking' : 'thinking')}</p>
        )}
        {answer.raw !== '' && (
          <Words
            answer={answer}
            highlighted={dialog.focused === turn.id ? dialog.highlighted : undefined}
            onPoint={onPoint}
          />
        )}
        {answer.failure && (
          <FailureNotice failure={answer.failure} onRetry={changeable ? () => void askAgain() : undefined} />
        )}
        {!busy && answer.state !== 'failed' && (
          <div className="foot">
            <Facts answer={answer} />
            <div className="tools">
              {answer.raw !== '' && <CopyButton text={plainText(answer.raw)} />}
              {changeable && (
                <button
                  type="button"
                  className="tool"
                  aria-label={t('regenerate')}
                  title={t('regenerate')}
                  onClick={() => void askAgain()}
                >
                  <Icon name="again" />
                </button>
              )}
            </div>
          </div>
        )}
      </article>
    </li>
  );
};

interface Props {
  readonly dialog: Dialog;
  readonly conversation: Conversation;
  /** Takes a picture out of the dialog. */
  readonly onRemove: (picture: Picture) => void;
}

/** The dialog as text: questions, and answers that grow. */
export const Transcript = ({ dialog, conversation, onRemove }: Props) => {
  const list = useRef<HTMLOListElement>(null);
  const atEnd = useRef(true);
  const { turns } = dialog;
  const asked = turns.length;
  // A new question is always brought into view; a growing answer only while its end is.
  useLayoutEffect(() => {
    atEnd.current = true;
  }, [asked]);
  useLayoutEffect(() => {
    const element = list.current;
    if (element && atEnd.current) element.scrollTop = element.scrollHeight;
  });
  return (
    <ol
      ref={list}
      className="transcript"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard.
      tabIndex={0}
      aria-label={useText()('dialog')}
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        atEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_END;
      }}
    >
      {turns.map((turn) => (
        <TurnView key={turn.id} turn={turn} dialog={dialog} conversation={conversation} onRemove={onRemove} />
      ))}
    </ol>
  );
};
