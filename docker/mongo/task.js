// Prints the ARN of the ECS task that this container belongs to. Ends with 1 where the metadata endpoint does not answer.
(async () => {
  try {
    const answer = await fetch(`${process.env.ECS_CONTAINER_METADATA_URI_V4}/task`);
    const { TaskARN: arn } = await answer.json();
    if (!arn) throw new Error('no TaskARN');
    print(arn);
  } catch {
    quit(1);
  }
})();
