import { useId } from 'react';
import { type Answer, tokensPerSecond } from '../dialog/dialog.ts';
import { useText } from '../i18n/text.ts';
import { Icon } from './icon.tsx';

/** How an answer came about: what was reused, and how fast it was. */
export const Facts = ({ answer }: { readonly answer: Answer }) => {
  const t = useText();
  const id = useId();
  const { state, cutOff, images, usage, timings } = answer;
  const speed = tokensPerSecond(answer);
  const cached = usage?.prompt_tokens_details.cached_tokens;
  return (
    <ul className="facts">
      {state === 'stopped' && <li>{t('stopped')}</li>}
      {cutOff && <li>{t('cutOff')}</li>}
      {images.map(({ cached: remembered }, index) => (
        <li key={index} className={remembered ? 'remembered' : ''}>
          <Icon name={remembered ? 'check' : 'eye'} />
          {t(remembered ? 'remembered' : 'encoded', { n: index + 1 })}
        </li>
      ))}
      {usage && cached !== undefined && (
        <li>
          <progress value={cached} max={usage.prompt_tokens} aria-hidden="true" />
          {t('cachedTokens', { k: cached, n: usage.prompt_tokens })}
        </li>
      )}
      {timings && <li>{t('firstToken', { ms: Math.round(timings.firstTokenMs) })}</li>}
      {speed !== undefined && <li>{t('speed', { n: Math.round(speed) })}</li>}
      {usage && (
        <li>
          <button type="button" className="tool why" aria-label={t('why')} title={t('why')} popoverTarget={id}>
            <Icon name="info" />
          </button>
          <div id={id} popover="auto" className="popover explanation">
            <h3>{t('why')}</h3>
            {images.length > 0 && <p>{t('whyRemembered')}</p>}
            <p>{t('whyCached')}</p>
            {images.length > 0 && <p>{t('whyBytes')}</p>}
          </div>
        </li>
      )}
    </ul>
  );
};
