import { parseSegments } from '@eidetic/client';
import { memo } from 'react';
import type { Answer } from '../dialog/dialog.ts';
import { useText } from '../i18n/text.ts';
import { hueClass } from './marked-picture.tsx';

interface Props {
  readonly answer: Answer;
  /** Index of the box that is set off, among those of this answer. */
  readonly highlighted: number | undefined;
  readonly onPoint: (grounding: number | undefined) => void;
}

/** The words of an answer; those that point at something are linked with their boxes. */
export const Words = memo(({ answer, highlighted, onPoint }: Props) => {
  const t = useText();
  const segments = parseSegments(answer.raw, { growing: answer.state !== 'done' });
  const describe = (index: number): string | undefined => {
    const grounding = answer.groundings[index];
    if (!grounding) return undefined;
    const pixels = Object.entries(grounding.box).map(([name, value]) => [name, Math.round(value)]);
    return t('boxAt', { n: grounding.imageIndex + 1, ...Object.fromEntries(pixels) });
  };
  return (
    <p className="words">
      {segments.map((segment, position) => {
        // Segments only ever grow at the end, so that their position tells them apart.
        const key = `${position}`;
        if (segment.kind === 'text') return <span key={key}>{segment.text}</span>;
        const [first] = segment.groundings;
        if (first === undefined) return <span key={key}>{segment.text}</span>;
        const setOff = highlighted !== undefined && segment.groundings.includes(highlighted);
        return (
          <button
            key={key}
            type="button"
            className={`reference ${hueClass(first)} ${setOff ? 'set-off' : ''}`}
            title={describe(first)}
            onPointerEnter={() => onPoint(first)}
            onPointerLeave={({ pointerType }) => pointerType === 'mouse' && onPoint(undefined)}
            onFocus={() => onPoint(first)}
            onBlur={() => onPoint(undefined)}
            onClick={() => onPoint(first)}
          >
            {segment.text || t('box', { n: first + 1 })}
          </button>
        );
      })}
    </p>
  );
});
