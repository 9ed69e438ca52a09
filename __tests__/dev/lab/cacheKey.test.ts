import fc from "fast-check";
import { cacheKey } from "../../../dev/lab/cacheKey";

test("it is ten hexadecimal digits, the same for the same parts", () => {
  expect(cacheKey("a", Buffer.from("b"))).toMatch(/^[0-9a-f]{10}$/);
  expect(cacheKey("a", Buffer.from("b"))).toBe(cacheKey("a", "b"));
});

test("it changes when text moves from one part to the next", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string(), (first, second) => {
      expect(cacheKey(first, second)).not.toBe(cacheKey("", first + second));
    }),
  );
});
