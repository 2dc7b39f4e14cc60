"""The build file and dbt: from raw relations to candidate marts. Nothing here publishes."""
