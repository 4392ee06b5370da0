/** Text of a message. */
export interface TextPart {
  readonly type: 'text';
  readonly text: string;
}

/** A picture of a message: a data URI, an http(s) address, or `eidetic://sha256/<id>` for one that the server has seen. */
export interface ImagePart {
  readonly type: 'image_url';
  readonly image_url: { readonly url: string };
}

/** What the model is to be and do. */
export interface SystemMessage {
  readonly role: 'system' | 'developer';
  readonly content: string | readonly TextPart[];
}

/** What somebody asks. */
export interface UserMessage {
  readonly role: 'user';
  readonly content: string | readonly (TextPart | ImagePart)[];
}

/** What the model answered, tags included. */
export interface AssistantMessage {
  readonly role: 'assistant';
  readonly content: string | readonly TextPart[];
}

/** One message of a dialog. */
export type Message = SystemMessage | UserMessage | AssistantMessage;
