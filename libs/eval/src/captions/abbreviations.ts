const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Abbreviations that keep their full stop, whatever their case and wherever they stand. So do single letters. */
export const ABBREVIATIONS = words(`
  adj adm adv al ala alex apr ariz assn assoc asst attys atty aug ave bancorp bhd bldg blvd brig bros calif capt cf cie cmdr co
  col colo comdr conn corp cos cpl ct dak dec dept det dr drs elec ens esq est etc ext feb fla fri ft ga gen gov govs hon inc
  ind insp intl invt jan jos jr jul jun kan kans ky lieut lt ltd maj mar md messrs mfg mich minn mlle mme mo mon mont mr mrs ms
  msgr mt mtg natl neb nev nov oct okla penn pfc ph plc ppte pptes ppty pptys pres prof profs pte ptes pty ptys pvt rd rep reps
  rev rt sen sens sep sept seq sfc sgt spc sq sr st ste supt supts sys tel tenn thu thurs treas tue tues univ va vs vt wed wis
  wisc wm wyo`);

/** American states and others that are words in lower case: abbreviations only with a capital. */
export const CAPITALISED_ABBREVIATIONS = words('ark az del ill la mass miss ore pa tex wash');

/** Abbreviations only before a number, with at most one space between. */
export const NUMBERED_ABBREVIATIONS = words('art ca fig figs no nos op pp prop');

/** Words that begin a sentence: a single letter and a full stop before them are the end of another. */
export const SENTENCE_STARTS = words(`
  a about according additionally after an as at but earlier he her here however if in it last many more now once one other our
  she since so some such that the their then there these they this we what when while yet you`);
