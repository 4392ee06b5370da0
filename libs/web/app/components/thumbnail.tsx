import { useState } from 'react';
import type { Picture } from '../dialog/dialog.ts';
import { Icon } from './icon.tsx';

/** A picture in small with its number; silent, what it stands in has the label. */
export const Thumbnail = ({ picture, number }: { readonly picture: Picture; readonly number: number }) => {
  const [failed, setFailed] = useState(false);
  return (
    <>
      {failed ? <Icon name="link" /> : <img src={picture.src} alt="" onError={() => setFailed(true)} />}
      <span className="number" aria-hidden="true">
        {number}
      </span>
    </>
  );
};
