/**
 * Whether a program takes it for one argument that is no option, and can print it back: no dash before it, no control
 * characters, at most 255 long.
 */
export const isArgument = (value: string): boolean =>
  /^[^-\p{Cc}\p{Cs}][^\p{Cc}\p{Cs}]*$/u.test(value) && value.length <= 255;
