"""AWS Bedrock's dialect: Converse and ConverseStream."""
