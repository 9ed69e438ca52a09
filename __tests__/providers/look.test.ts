import type { Finding } from "../../common/finding";
import type { SitePlan } from "../../checks/site";
import { forgetLook, problemOf } from "../../providers/look";

const plan = { workers: [{ name: "a" }, { name: "b" }, { name: "c" }] } as SitePlan;
const findings: Finding[] = [
  { is: "wrong", what: "no network of b", of: ["b"] },
  { is: "wrong", what: "no base of b and c", of: ["b", "c"] },
  { is: "warning", what: "little memory" },
];
const log = jest.fn();
const problem = (name: string, found = findings) => problemOf(name, plan, log, () => Promise.resolve(found));
beforeEach(() => {
  forgetLook();
  log.mockClear();
});

test("a worker is not refused for what another one needs, and the other one is", async () => {
  expect(await problem("a")).toBeUndefined();
  expect(log.mock.calls).toEqual([["little memory", "warning"]]);
  expect(await problem("b")).toMatch(
    /^b is not made, as 2 things are missing or wrong\n[^]*no network of b[^]*no base of b and c/,
  );
  expect(await problem("b")).toBe("b is not made: see what was found for b");
  expect(await problem("c")).toBe("c is not made: see what was found for b");
  expect(log).toHaveBeenCalledTimes(1);
});

test("what all need is told once for all", async () => {
  const found: Finding[] = [
    { is: "wrong", what: "no VirtualBox" },
    { is: "wrong", what: "no network", of: ["a", "b", "c"] },
  ];
  expect(await problem("a", found)).toMatch(
    /^no machine is made, as 2 things are missing or wrong\n[^]*no VirtualBox[^]*no network/,
  );
  expect(await problem("b", found)).toBe("no machine is made: see what was found for a");
});
