import { useEffect, useEffectEvent, useState } from 'react';
import type { Failure } from '../dialog/failure.ts';
import { failureText } from '../i18n/failure-text.ts';
import { useText } from '../i18n/text.ts';

interface Props {
  readonly failure: Failure;
  /** Undefined where nothing can be tried again. */
  readonly onRetry: (() => void) | undefined;
}

/** What went wrong and what to do; tries again by itself when the server said when. */
export const FailureNotice = ({ failure, onRetry }: Props) => {
  const t = useText();
  const [seconds, setSeconds] = useState(() => Math.ceil((failure.retryAfterMs ?? 0) / 1000));
  const counts = failure.retryAfterMs !== undefined && onRetry !== undefined;
  const retry = useEffectEvent(() => onRetry?.());
  useEffect(() => {
    if (!counts) return;
    const timer = setTimeout(() => (seconds > 1 ? setSeconds(seconds - 1) : retry()), 1000);
    return () => clearTimeout(timer);
  }, [counts, seconds]);
  const text = failureText(failure, navigator.onLine);
  return (
    <div className="failure">
      <p>{t(text)}</p>
      {!['offline', 'unreachable', 'interrupted'].includes(text) && <p className="detail">{failure.message}</p>}
      {onRetry && (
        <p className="actions">
          <button type="button" className="secondary" onClick={onRetry}>
            {t('retry')}
          </button>
          {counts && <span>{t('retryIn', { s: seconds })}</span>}
        </p>
      )}
    </div>
  );
};
