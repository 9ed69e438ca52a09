import type { PlannedWorker } from "../../checks/site";
import { baseImage } from "../../dev/simulator/site";
import type { SiteState } from "../../dev/simulator/state";
import { machineOf } from "../support/causes";
import { change, problems, useLookedAtSite } from "../support/lookedAtSite";

useLookedAtSite();

test.each<[string, (state: SiteState) => unknown, Partial<PlannedWorker>, RegExp]>([
  [
    "missing",
    ({ virtualBox }) => virtualBox.machines.shift(),
    {},
    /^wrong: VirtualBox has no machine debian-base-image to clone$/,
  ],
  [
    "running",
    (state) => (machineOf(state, baseImage).state = "running"),
    {},
    /^wrong: the base image debian-base-image is running$/,
  ],
  [
    "without its snapshot",
    () => {},
    { baseSnapshot: "clean", cloneMode: "linked" },
    /^wrong: the base image debian-base-image has no snapshot clean$/,
  ],
  [
    "without a SATA controller for disks",
    (state) => (machineOf(state, baseImage).controllers.pop(), (machineOf(state, baseImage).drives = [])),
    { disks: [{ sizeMb: 8, format: "VDI", variant: "Standard" }] },
    /^wrong: debian-base-image has no SATA controller for its disks$/,
  ],
])("a base image that is %s", async (_what, arrange, worker, expected) => {
  await change((state) => void arrange(state));
  expect((await problems({}, worker))[0]).toMatch(expected);
});

test("a base image of machines that are there already is only warned about", async () => {
  await change((state) => {
    machineOf(state, baseImage).state = "running";
    state.virtualBox.machines.push({
      ...structuredClone(machineOf(state, baseImage)),
      uuid: "11111111-1111-1111-1111-111111111111",
      name: "kube-node01",
      drives: [],
    });
  });
  expect(await problems()).toEqual(["warning: the base image debian-base-image is running"]);
});
