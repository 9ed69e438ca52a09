import { birthUuid, claimOf, hasNamesOf, isBirthUuid, isMarkOf, markOf } from "../../common/mark";

const owner = { stack: "kube/dev", name: "kube-node01", stackId: "0123456789abcdef0123456789abcdef" };
const twin = { ...owner, stackId: "f".repeat(32) };
const former = { ...owner, stackId: "" };

test.each([
  [markOf(owner), "ours"],
  [markOf(twin), "foreign"],
  [markOf(former), "unnumbered"],
  [markOf({ ...owner, name: "kube-node011" }), "foreign"],
  [markOf({ ...former, stack: "kube/dev2" }), "foreign"],
  [`${markOf(owner)} `, "foreign"],
  ["", "none"],
  [undefined, "none"],
])("the mark %j is %s", (mark, claim) => expect(claimOf(mark, owner)).toBe(claim));

test("to a state without an id, a mark with one is another's", () => {
  expect(claimOf(markOf(former), former)).toBe("ours");
  expect(claimOf(markOf(owner), former)).toBe("foreign");
});

test("names are told from another's, with an id before them or not", () => {
  for (const namesake of [owner, twin, former]) expect(hasNamesOf(markOf(namesake), owner)).toBe(true);
  expect(hasNamesOf(markOf({ ...owner, name: "base" }), owner)).toBe(false);
  expect(isMarkOf(markOf(twin), "kube-node01")).toBe(true);
  expect(isMarkOf(markOf(twin), "node01")).toBe(false);
});

test("a UUID says which stack gave it, and is a new one each time", () => {
  const [one, other] = [birthUuid(owner), birthUuid(owner)];
  expect(one).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(one).not.toBe(other);
  expect([
    isBirthUuid(one, owner),
    isBirthUuid(one, twin),
    isBirthUuid(one, { ...owner, name: "kube-node02" }),
  ]).toEqual([true, false, false]);
  expect(isBirthUuid(birthUuid(former), former)).toBe(true);
});
