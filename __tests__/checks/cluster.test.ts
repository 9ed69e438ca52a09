import { change, problems, site, useLookedAtSite } from "../support/lookedAtSite";

useLookedAtSite();

describe("the cluster", () => {
  const problemsNow = () => problems({}, {}, { deadlineMs: 3_000 });
  const down = (...names: string[]) => change(({ cluster }) => void (cluster.mastersDown = names));
  const withRoute = () =>
    change(
      ({ network }) =>
        void network.routes.push({ dst: "192.168.4.0/27", gateway: "192.168.4.30", dev: "vboxnet0", protocol: "157" }),
    );

  test("that does not take the version is refused", async () => {
    expect(await problems({ kubernetesVersion: "1.37.1" })).toEqual([
      expect.stringMatching(/^wrong: kubernetesVersion: 1\.37\.1 is newer than the cluster's v1\.36\.3/),
    ]);
  });

  test("of which one master answers is warned about", async () => {
    await down("kube-mast01");
    expect(await problemsNow()).toEqual([expect.stringMatching(/^warning: master kube-mast01 gave no SSH session/)]);
  });

  test("is not looked at yet where the routes to it are missing, and warned about where they are there", async () => {
    await down("kube-mast01", "kube-mast02");
    expect(await problemsNow()).toEqual([
      "later: the masters and the cluster's version: the routes to them are not there yet",
    ]);
    await withRoute();
    expect(await problemsNow()).toEqual([
      expect.stringMatching(/^warning: master kube-mast01/),
      expect.stringMatching(/^warning: master kube-mast02/),
    ]);
  });

  test("with a master that is not the one we know is refused, if that one is asked first", async () => {
    const [first, second] = [site.masterTarget("kube-mast01"), site.masterTarget("kube-mast02")];
    const other = { ...first, hostKeys: second.hostKeys };
    expect(await problems({ masters: [other, second] })).toEqual([
      expect.stringMatching(/^wrong: .*kube-mast01.* did not prove/),
    ]);
    expect(await problems({ masters: [second, other] })).toEqual([
      expect.stringMatching(/^warning: .*kube-mast01.* did not prove/),
    ]);
  });

  test("whose API server does not answer is warned about", async () => {
    await change(({ cluster }) => void (cluster.apiDown = true));
    await withRoute();
    for (const found of await problemsNow()) expect(found).toMatch(/^warning: /);
  });

  test("none of which is needed is not asked", async () => expect(await problems({ masters: [] })).toEqual([]));
});
