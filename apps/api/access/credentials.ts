import type { ApiRequest } from '../http/exchange.js';

/** How a key was sent. */
export interface Credential {
  readonly key: string;
  /** By HTTP Basic, which a browser repeats by itself. */
  readonly isBasic: boolean;
}

type Asked = Pick<ApiRequest, 'headersDistinct'>;

/**
 * All keys that a request carries, of however many headers: a proxy in front and this server must not each look at
 * another one. Basic counts where it is asked for only; elsewhere it is somebody else's.
 */
export function credentialsOf(
  { headersDistinct }: Asked,
  { takesBasic }: { readonly takesBasic: boolean },
): Credential[] {
  const authorizations = headersDistinct['authorization'] ?? [];
  const plain = [...(headersDistinct['x-api-key'] ?? []), ...authorizations.flatMap(bearerOf)];
  const basic = takesBasic ? authorizations.flatMap(basicPasswordOf) : [];
  return [
    ...plain.map((key) => ({ key: key.trim(), isBasic: false })),
    ...basic.map((key) => ({ key, isBasic: true })),
  ];
}

function bearerOf(header: string): string[] {
  return after('bearer', header);
}

/** The key is the password; any user name will do. */
function basicPasswordOf(header: string): string[] {
  return after('basic', header).map((encoded) => {
    const text = Buffer.from(encoded, 'base64').toString('utf8');
    return text.slice(text.indexOf(':') + 1);
  });
}

/** Names of schemes have no case (RFC 9110, 11.1). */
function after(scheme: string, header: string): string[] {
  const [name = '', ...rest] = header.trim().split(' ');
  return name.toLowerCase() === scheme ? [rest.join(' ').trim()] : [];
}
