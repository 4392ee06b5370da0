import { use } from 'react';
import { EXAMPLES, type Example } from '../dialog/examples.ts';
import { LanguageContext, useText } from '../i18n/text.ts';

interface Props {
  /** Opens the choice of files. */
  readonly onChoose: () => void;
  /** Adds an example, and asks about it if there is a question. */
  readonly onExample: (example: Example, question?: string) => void;
  /** Whether the small model is served that comes with Eidetic. */
  readonly small: boolean;
}

/** What the page shows before the first picture. */
export const Welcome = ({ onChoose, onExample, small }: Props) => {
  const t = useText();
  const language = use(LanguageContext);
  return (
    <section className="welcome">
      <h1>{t('headline')}</h1>
      <p className="lead">{t('lead')}</p>
      <p className="start">
        <button type="button" className="primary" onClick={onChoose}>
          {t('choose')}
        </button>
        <span>{t('orDrop')}</span>
      </p>
      <h2>{t('tryOne')}</h2>
      <ul className="examples" aria-label={t('examples')}>
        {EXAMPLES.map((example) => {
          const [question = ''] = example.questions[language];
          return (
            <li key={example.file}>
              <button type="button" className="example" onClick={() => onExample(example)}>
                <span className="finder">
                  <img src={example.file} alt="" width={224} height={224} />
                </span>
                <span className="name">{example.name[language]}</span>
              </button>
              <button type="button" className="chip" onClick={() => onExample(example, question)}>
                {question}
              </button>
            </li>
          );
        })}
      </ul>
      {small && <p className="note">{t('nano')}</p>}
    </section>
  );
};
