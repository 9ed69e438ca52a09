import type { Surroundings } from "../../checks/site";
import { baseImage } from "../../dev/simulator/site";
import { calls, look, nic, plan, problems, site, useLookedAtSite } from "../support/lookedAtSite";

useLookedAtSite();

test("of a site that has everything, each part is right, and it was only read", async () => {
  const before = site.world.read();
  expect(await problems()).toEqual([]);
  expect(site.world.read()).toEqual(before);
  expect(calls.filter((call) => !/^(--version|list|showvminfo)/.test(call))).toEqual([]);
});

test("what hangs ends in time, and is no reason to refuse anything", async () => {
  const exec: Surroundings["exec"] = () => new Promise(() => {});
  const start = performance.now();
  const found = await problems({ masters: [] }, {}, { exec, deadlineMs: 500 });
  expect(performance.now() - start).toBeLessThan(5_000);
  expect(found).toEqual([
    "warning: VirtualBox could not be looked at: it took longer than 0.2 s",
    expect.stringMatching(/^warning: what VirtualBox has could not be looked at|^warning: the/),
  ]);
});

test("a network or base image that only some of the workers need names these, of those that are to be made", async () => {
  const [first] = plan().workers;
  const others = ["b", "c", baseImage].map((name) => ({
    ...first!,
    ...nic("natnetwork", "none"),
    name,
    ...(name !== "b" && { baseImage: "no base" }),
  }));
  const [network, base, ...rest] = (await look({ workers: [first!, ...others] })).filter(({ is }) => is === "wrong");
  expect([network, base]).toMatchObject([
    { what: expect.stringContaining("no network none"), of: ["b", "c"] },
    { what: expect.stringContaining("no base"), of: ["c"] },
  ]);
  expect(rest).toEqual([]);
});
