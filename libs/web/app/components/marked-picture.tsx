import type { Grounding } from '@eidetic/client';
import { type CSSProperties, useState } from 'react';
import type { Picture } from '../dialog/dialog.ts';
import { useText } from '../i18n/text.ts';
import { Icon } from './icon.tsx';

/** A grounding and its index among those of its answer. */
interface Mark {
  readonly grounding: Grounding;
  readonly index: number;
}

const HUES = 8;

/** Class that colours what belongs to a grounding, on the picture and in the text. */
export const hueClass = (index: number): string => `hue-${index % HUES}`;

/** Height over which a label still has room above its box, as a share of the picture. */
const LABEL_SHARE = 0.09;

const corners = ({ box: { x1, y1, x2, y2 }, quad }: Grounding): string =>
  quad?.map(({ x, y }) => `${x},${y}`).join(' ') ?? `${x1},${y1} ${x2},${y1} ${x2},${y2} ${x1},${y2}`;

/** Where a label stands: at the side of the box that leaves its words more room. */
const labelPlace = ({ x1, y1, x2 }: Grounding['box'], width: number, height: number): CSSProperties => {
  const top = `${(Math.max(y1, 0) / height) * 100}%`;
  return x1 + x2 > width
    ? { top, right: `${(1 - Math.min(x2 / width, 1)) * 100}%` }
    : { top, left: `${(Math.max(x1, 0) / width) * 100}%` };
};

interface Props {
  readonly picture: Picture;
  /** As people count: from 1. */
  readonly number: number;
  readonly marks: readonly Mark[];
  readonly highlighted: number | undefined;
  readonly onPoint: (grounding: number | undefined) => void;
  readonly onMeasure: (width: number, height: number) => void;
  /** Makes the picture a button. */
  readonly onOpen?: () => void;
  /** Whether the server is about to see it for the first time. */
  readonly looking?: boolean;
}

/** A picture with the boxes of an answer drawn on it. */
export const MarkedPicture = ({ picture, number, marks, highlighted, onPoint, onMeasure, onOpen, looking }: Props) => {
  const t = useText();
  const [hiddenSrc, setHiddenSrc] = useState('');
  const { src, width = 4, height = 3 } = picture;
  const alt = picture.blob ? t('picture', { n: number }) : t('pictureFrom', { n: number, host: picture.name });
  const shown = marks.find(({ index }) => index === highlighted);
  const stateOf = (index: number): string => (shown ? (index === highlighted ? 'set-off' : 'faded') : '');
  const hole = shown ? `M${corners(shown.grounding).replaceAll(' ', 'L')}Z` : '';
  const view =
    hiddenSrc === src ? (
      <span className="hidden-picture" role="img" aria-label={alt}>
        <Icon name="link" />
        <strong>{picture.name}</strong>
        <span>{t('pictureHidden')}</span>
      </span>
    ) : (
      <img
        className="picture"
        src={src}
        alt={alt}
        draggable={false}
        onError={() => setHiddenSrc(src)}
        onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) => {
          if (picture.width === undefined) onMeasure(naturalWidth, naturalHeight);
        }}
      />
    );
  return (
    <figure className={`frame ${looking ? 'looking' : ''}`} style={{ '--ratio': width / height } as CSSProperties}>
      {onOpen ? (
        <button type="button" className="open" aria-label={t('enlarge', { n: number })} onClick={onOpen}>
          {view}
        </button>
      ) : (
        view
      )}
      <svg className="boxes" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
        <path
          className={`shade ${shown ? 'on' : ''}`}
          fillRule="evenodd"
          d={`M-1-1H${width + 1}V${height + 1}H-1Z${hole}`}
        />
        {marks.map(({ grounding, index }) => (
          // biome-ignore lint/a11y/noStaticElementInteractions: for the pointer only; its label is the same thing as a button.
          <g
            key={index}
            className={`mark ${hueClass(index)} ${stateOf(index)}`}
            onPointerEnter={() => onPoint(index)}
            onPointerLeave={() => onPoint(undefined)}
            onClick={onOpen}
          >
            <polygon className="halo" points={corners(grounding)} />
            <polygon className="line" points={corners(grounding)} />
          </g>
        ))}
      </svg>
      <div className="labels">
        {marks.map(({ grounding, index }) => (
          <button
            key={index}
            type="button"
            className={`label ${hueClass(index)} ${stateOf(index)} ${grounding.box.y1 / height < LABEL_SHARE ? 'inside' : ''}`}
            style={labelPlace(grounding.box, width, height)}
            onPointerEnter={() => onPoint(index)}
            onPointerLeave={({ pointerType }) => pointerType === 'mouse' && onPoint(undefined)}
            onFocus={() => onPoint(index)}
            onBlur={() => onPoint(undefined)}
            onClick={() => onPoint(index)}
          >
            {grounding.text.trim() || t('box', { n: index + 1 })}
          </button>
        ))}
      </div>
    </figure>
  );
};
