import { labId, labMachines, namespaceOf } from "../../../dev/lab/names";

test("a checkout's namespaces carry six digits of its own", () => {
  expect(labId("/srv/one/.lab")).toMatch(/^[0-9a-f]{6}$/);
  expect(labId("/srv/one/.lab")).not.toBe(labId("/srv/two/.lab"));
});

test("every machine has a namespace", () => {
  const id = labId("/srv/one/.lab");
  expect(labMachines.map((machine) => namespaceOf(machine, "/srv/one/.lab"))).toEqual([
    `vbk-${id}-gate`,
    `vbk-${id}-host`,
    `vbk-${id}-busybox`,
    `vbk-${id}-kube-mast01`,
  ]);
});
