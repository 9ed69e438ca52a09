/** A resource's URN as the CLI finds it: the project's name, which a provider is not told, may be anything. */
export const urnOf = (type: string, name: string): string => `urn:pulumi:**${type}::${name}`;
