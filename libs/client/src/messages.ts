/** Text of a message. */
export interface TextPart {
  readonly type: 'text';
  readonly text: string;
}

/** A picture of a message: a data URI, an http(s) address, or `eidetic://sha256/<id>` for one that the server has seen. */
export interface ImagePart {
  readonly type: 'image_url';
  readonly image_url: { readonly url: string; readonly detail?: 'auto' | 'low' | 'high' };
}

/** Text and pictures of a message. */
export type Content = string | readonly (TextPart | ImagePart)[];

/** One message of a dialog. */
export interface Message {
  /** `system`: what the model is to be and do; `developer` is another word for it. */
  readonly role: 'system' | 'developer' | 'user' | 'assistant';
  /** What is said; of the assistant as the model wrote it, tags included. */
  readonly content: Content;
}
