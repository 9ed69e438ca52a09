/**
 * The floors of the house, from the bottom up: a folder imports from lower floors only, and nothing imports in a
 * circle. VirtualBox, SSH and the routes stand side by side on one floor and do not know each other; what needs both
 * VirtualBox and SSH is in access/.
 */
const floors = [
  ["common"],
  ["virtualbox", "ssh", "routes"],
  ["kubernetes"],
  ["access"],
  ["cloudinit"],
  ["checks"],
  ["providers", "config"],
  ["components"],
];

/** What a folder does not import from, although it is on a lower floor. */
const strangers = { kubernetes: ["virtualbox", "routes"] };

const within = (folders) => `^(${folders.join("|")})/`;

const upwards = floors.flatMap((folders, floor) =>
  folders.map((folder) => {
    const allowed = [
      folder,
      ...floors
        .slice(0, floor)
        .flat()
        .filter((lower) => !strangers[folder]?.includes(lower)),
    ];
    return {
      name: `floor-${folder}`,
      severity: "error",
      from: { path: within([folder]) },
      to: { path: "^[^/]+(/|$)", pathNot: [within(allowed), "^node_modules/"], dependencyTypesNot: ["core"] },
    };
  }),
);

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    {
      name: "program-without-tools",
      comment: "what the program is developed with is no part of it",
      severity: "error",
      from: { pathNot: "^(dev|__tests__)/" },
      to: { path: "^(dev|__tests__)/" },
    },
    {
      name: "nothing-imports-the-composition",
      severity: "error",
      from: { pathNot: "^__tests__/" },
      to: { path: "^(index\\.ts|commands/)", pathNot: "^commands/" },
    },
    ...upwards,
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(node_modules|\\.lab|\\.simulated)/" },
    // Imports of types count: they tie files as much as others.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "require", "node", "default"] },
  },
};
