/** The API key in the value of an HTTP header or a gRPC metadata key `authorization`; undefined: there is none in the form `Bearer KEY`. */
export const apiKeyOf = (authorization: string | undefined): string | undefined =>
  /^Bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1];
