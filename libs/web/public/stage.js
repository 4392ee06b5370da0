import { create, createSvg } from './dom.js';
import { language, t } from './i18n.js';

/**
 * @import { Grounding, SeenImage } from './api.js'
 * @import { Picture } from './dialog.js'
 *
 * @typedef {{ grounding: Grounding, index: number }} Mark  A grounding and its index among those of its answer.
 *
 * @typedef {object} Scene  What the stage shows.
 * @property {Picture[]} pictures all pictures of the dialog, in order
 * @property {number} firstUnsent index of the first one that has not been sent yet
 * @property {number} current index of the one in view
 * @property {Mark[]} marks what the answer in focus points at in that picture
 * @property {SeenImage | undefined} seen its size as the server sees it
 * @property {number | undefined} highlighted index of the grounding to set off from the others
 * @property {boolean} looking whether the server is about to see it for the first time
 *
 * @typedef {object} StageEvents
 * @property {(picture: number) => void} onSelect
 * @property {(picture: number) => void} onRemove
 * @property {() => void} onAdd
 * @property {(grounding: number | undefined) => void} onHighlight
 */

const HUES = 8;

/** Class that colours what belongs to a grounding, on the picture and in the text. @param {number} index */
export const hueClass = (index) => `hue-${index % HUES}`;

/** The pictures of the dialog: one in view with its boxes, the others as thumbnails. */
export class Stage {
  /**
   * @param {HTMLElement} root
   * @param {StageEvents} events
   */
  constructor(root, events) {
    this.root = root;
    this.events = events;
    this.image = create('img', { className: 'picture' });
    this.shade = createSvg('path', { class: 'shade', 'fill-rule': 'evenodd' });
    this.overlay = createSvg('svg', { class: 'boxes', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
    this.labels = create('div', { className: 'labels', 'aria-hidden': 'true' });
    this.frame = create('div', { className: 'frame' }, this.image, this.overlay, this.labels);
    this.strip = create('ol', { className: 'strip' });
    root.append(this.frame, this.strip);
    this.boxes = '';
    this.thumbnails = '';
  }

  /** @param {Scene} scene */
  show(scene) {
    const picture = scene.pictures[scene.current];
    this.root.hidden = picture === undefined;
    if (picture === undefined) return;
    if (this.image.src !== picture.url) this.image.src = picture.url;
    this.image.alt = t('picture', { n: scene.current + 1 });
    this.frame.style.setProperty('--ratio', String(picture.width / picture.height));
    this.frame.classList.toggle('looking', scene.looking);
    this.showBoxes(scene, scene.seen ?? picture);
    this.showThumbnails(scene);
  }

  /**
   * @param {Scene} scene
   * @param {{ width: number, height: number }} size of the picture, in the pixels of the boxes
   */
  showBoxes({ pictures, current, marks, highlighted }, { width, height }) {
    // Rebuilt only when the boxes change: the one under the pointer has to stay.
    const key = JSON.stringify([language(), pictures[current]?.url, width, height, marks]);
    if (key !== this.boxes) {
      this.boxes = key;
      this.overlay.setAttribute('viewBox', `0 0 ${width} ${height}`);
      this.overlay.replaceChildren(this.shade, ...marks.map((mark) => this.outline(mark)));
      this.labels.replaceChildren(...marks.map((mark) => boxLabel(mark, width, height)));
    }
    const shown = marks.find(({ index }) => index === highlighted);
    const hole = shown ? `M${corners(shown.grounding).join('L')}Z` : '';
    this.shade.setAttribute('d', `M-1-1H${width + 1}V${height + 1}H-1Z${hole}`);
    this.shade.classList.toggle('on', shown !== undefined);
    marks.forEach(({ index }, position) => {
      for (const element of [this.overlay.children[position + 1], this.labels.children[position]]) {
        element?.classList.toggle('set-off', index === highlighted);
        element?.classList.toggle('faded', shown !== undefined && index !== highlighted);
      }
    });
  }

  /** @param {Mark} mark */
  outline({ grounding, index }) {
    const points = corners(grounding).join(' ');
    const group = createSvg(
      'g',
      { class: `mark ${hueClass(index)}` },
      createSvg('polygon', { class: 'halo', points }),
      createSvg('polygon', { class: 'line', points }),
    );
    group.addEventListener('pointerenter', () => this.events.onHighlight(index));
    group.addEventListener('pointerleave', () => this.events.onHighlight(undefined));
    return group;
  }

  /** @param {Scene} scene */
  showThumbnails({ pictures, firstUnsent, current }) {
    // Rebuilt only when something changed, so that the keyboard focus stays where it is.
    const key = [language(), firstUnsent, current, ...pictures.map(({ url }) => url)].join(' ');
    if (key === this.thumbnails) return;
    this.thumbnails = key;
    const items = pictures.map((picture, index) => {
      const n = index + 1;
      const unsent = index >= firstUnsent;
      const show = create(
        'button',
        {
          type: 'button',
          className: 'thumbnail',
          'aria-label': unsent ? `${t('showPicture', { n })} (${t('notSent')})` : t('showPicture', { n }),
          'aria-current': index === current,
          onclick: () => this.events.onSelect(index),
        },
        create('img', { src: picture.url, alt: '' }),
        create('span', { className: 'number' }, String(n)),
      );
      const item = create('li', { className: unsent ? 'unsent' : '' }, show);
      if (unsent) {
        const label = t('removePicture', { n });
        const onclick = () => this.events.onRemove(index);
        item.append(create('button', { type: 'button', className: 'remove', 'aria-label': label, onclick }, '×'));
      }
      return item;
    });
    const label = t('addPictures');
    const onclick = () => this.events.onAdd();
    const add = create('button', { type: 'button', className: 'thumbnail add', 'aria-label': label, onclick }, '+');
    this.strip.replaceChildren(...items, create('li', {}, add));
  }
}

/** Corners in pixels, as `x,y`. @param {Grounding} grounding */
function corners({ box: { x1, y1, x2, y2 }, quad }) {
  return quad?.map(({ x, y }) => `${x},${y}`) ?? [`${x1},${y1}`, `${x2},${y1}`, `${x2},${y2}`, `${x1},${y2}`];
}

/**
 * @param {Mark} mark
 * @param {number} width
 * @param {number} height
 */
function boxLabel({ grounding: { text, box }, index }, width, height) {
  const label = create('span', { className: `label ${hueClass(index)}` }, text.trim() || t('box', { n: index + 1 }));
  label.classList.toggle('inside', box.y1 / height < 0.1);
  // Anchored to the side of the box that leaves the words more room.
  const fromRight = box.x1 + box.x2 > width;
  label.classList.toggle('from-right', fromRight);
  if (fromRight) label.style.right = `${(1 - Math.min(box.x2 / width, 1)) * 100}%`;
  else label.style.left = `${(Math.max(box.x1, 0) / width) * 100}%`;
  label.style.top = `${(Math.max(box.y1, 0) / height) * 100}%`;
  return label;
}
