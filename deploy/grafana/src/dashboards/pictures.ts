import type { Dashboard } from '../panel.ts';
import { mean, quantile, rate, spread } from '../promql.ts';

const RESOLVE = 'eidetic_image_resolve_seconds';
const ENCODE = 'eidetic_image_encode_seconds';
const AROUND = 'eidetic_vision_around_seconds';

/** Where the time of a picture goes. */
export const PICTURES: Dashboard = {
  uid: 'eidetic-pictures',
  title: 'Eidetic / The way of a picture',
  description: 'Where the time of a picture goes, from its URL to its embedding, stage by stage.',
  rows: [
    {
      title: 'In the gateway',
      panels: [
        {
          title: 'Pictures',
          description: 'Pictures of chats a second, by whether their embedding was there.',
          unit: 'short',
          stacked: true,
          queries: [{ expr: rate('eidetic_image_cache_lookups_total', '', 'outcome'), legend: '{{outcome}}' }],
        },
        {
          title: 'Stages, mean',
          description:
            'Mean time of one picture in each stage: fetch from its URL, hash, look-up, and encode for those that are not known.',
          unit: 's',
          queries: [{ expr: mean(RESOLVE, '', 'stage'), legend: '{{stage}}' }],
        },
        {
          title: 'Stages, p95',
          description: 'The slow end of each stage.',
          unit: 's',
          queries: [{ expr: quantile(0.95, RESOLVE, '', 'stage'), legend: '{{stage}}' }],
        },
        {
          title: 'Fetches from URLs',
          description:
            'Pictures behind URLs by what became of them. Many of address: somebody looks for servers that are not public.',
          unit: 'short',
          queries: [{ expr: rate('eidetic_image_fetches_total', '', 'outcome'), legend: '{{outcome}}' }],
        },
      ],
    },
    {
      title: 'In the queue',
      panels: [
        {
          title: 'Wait for an encoder',
          description: 'Time that a picture waited until a gateway gave it to an encoder.',
          unit: 's',
          queries: spread('eidetic_encode_queue_wait_seconds'),
        },
        {
          title: 'From request to answer',
          description: 'What a chat waits for the queue and the encoder together, per picture.',
          unit: 's',
          queries: spread('eidetic_encode_queue_request_seconds'),
        },
      ],
    },
    {
      title: 'In the vision encoder',
      panels: [
        {
          title: 'Stages of the encoder, mean',
          description: 'Mean time of one picture: decode its file, resize, and the run of its batch through the graph.',
          unit: 's',
          queries: [{ expr: mean(ENCODE, '', 'stage'), legend: '{{stage}}' }],
        },
        {
          title: 'Around the encoder, mean',
          description:
            'Mean time of one picture waiting for a thread and a batch, and of writing its embedding to the shared cache.',
          unit: 's',
          queries: [{ expr: mean(AROUND, '', 'stage'), legend: '{{stage}}' }],
        },
        {
          title: 'Stages of the encoder, p95',
          description: 'The slow end of each stage in the encoder.',
          unit: 's',
          queries: [{ expr: quantile(0.95, ENCODE, '', 'stage'), legend: '{{stage}}' }],
        },
        {
          title: 'Pictures in a run',
          description: 'Mean number of pictures that one run of the vision graph takes. More is cheaper for each.',
          unit: 'short',
          queries: [{ expr: mean('eidetic_vision_batch_images'), legend: 'pictures' }],
        },
        {
          title: 'Outcomes',
          description: 'Pictures a second by what became of them: encoded, cached, or the code of the error.',
          unit: 'short',
          stacked: true,
          queries: [{ expr: rate('eidetic_vision_images_finished_total', '', 'outcome'), legend: '{{outcome}}' }],
        },
      ],
    },
  ],
};
