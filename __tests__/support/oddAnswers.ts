/**
 * What a program that is asked something may answer instead: nothing, half of it, another's words, the same twice, a
 * greeting before it.
 */
export const oddAnswers = (right: string): Readonly<Record<string, string>> => ({
  nothing: "",
  "a blank line": "\n",
  "half of it": right.slice(0, Math.ceil(right.length / 2)),
  "all but its last characters": right.trimEnd().slice(0, -2),
  "another program's words": "Segmentation fault (core dumped)",
  "another language": "no s'ha trobat cap màquina",
  "a page of a proxy": "<html><body><h1>502 Bad Gateway</h1></body></html>",
  "the same twice": `${right}\n${right}`,
  "a greeting before it": `Welcome to kube-mast01\n${right}`,
  "JSON of something else": '{"kind":"Status","apiVersion":"v1","status":"Failure"}',
  null: "null",
  "control characters": "\u0000}{ \u001b[2J",
});
