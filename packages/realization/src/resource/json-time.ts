/** Reads a time that `to_json` printed, whose text does not depend on the settings of the connection. */
export const readTime = (json: string | null | undefined): Date => new Date(String(JSON.parse(String(json))));
